// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors

import org.eclipse.hawkbit.autoconfigure.security.EnableHawkbitManagedSecurityConfiguration;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.SpringBootConfiguration;

/** Starts hawkBit: all that its libraries configure by themselves, and its security. */
@SpringBootConfiguration
@EnableAutoConfiguration
@EnableHawkbitManagedSecurityConfiguration
public class Start {
	public static void main(String[] args) {
		SpringApplication.run(Start.class, args);
	}
}
