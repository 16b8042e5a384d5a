# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# A complete set for development: authority and signer in one folder, nothing locked.
# shellcheck shell=bash
# All parts share the variables of the program that reads them, and `die` does not come back.
# shellcheck disable=SC2154,SC2034,SC2015

dev_ca_days=1825
dev_signer_days=365

# Random, positive and unique without a file that counts.
serial() {
	printf '0x4%s\n' "$(openssl rand -hex 15)"
}

issue_for_development() {
	try "openssl cannot make the signing request" req -new -sha256 -key "$work/cms.key" \
		-out "$scratch/cms.csr"
	try "openssl cannot issue the signing certificate" x509 -req -sha256 \
		-in "$scratch/cms.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
		-set_serial "$(serial)" -days "$dev_signer_days" -extfile "$OPENSSL_CONF" \
		-extensions signer_ext -out "$work/cms.pem"
	try "the new certificate does not verify" verify -purpose smimesign \
		-CAfile "$work/ca.pem" "$work/cms.pem" >/dev/null
}

run_dev() {
	local word path
	take_arguments 1 "DIR"
	begin "${arguments[0]}"
	# Two authorities with one name confuse whoever looks for the issuer of a certificate.
	word=$(openssl rand -hex 4)
	write_config "development CA $word, not for production" "development, not for production"
	for path in ca.key cms.key; do
		make_key p256 "$work/$path"
	done
	self_sign "$work/ca.key" "$work/ca.pem" "$dev_ca_days"
	write_config "development signer $word, not for production" "development, not for production"
	issue_for_development
	make_key rsa3072 "$work/rsa.key"
	make_public "$work/rsa.key" "$work/rsa.pub"
	chmod "$public_mode" "$work/ca.pem" "$work/cms.pem" "$work/rsa.pub"
	finish_folder
	cat <<TEXT
Development keys, not for production, in $target:
  on the device   ca.pem   (rsa.pub instead for a swupdate that verifies plain RSA)
  where you sign  cms.key, cms.pem   (rsa.key for plain RSA); cms.pem is valid until $(cert_end "$target/cms.pem")
  put away        ca.key   (only issues the next cms.pem)
TEXT
}
