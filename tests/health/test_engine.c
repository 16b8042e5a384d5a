/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Attempts, deadlines, baseline, stability window; and kinds that do what no kind should. */
#include "health/health_test.h"

#include "health/probe.h"

#include <fcntl.h>
#include <stdlib.h>

#define COMMAND(path) "kind = \"command\"; argv = [ \"" path "\" ];"

static const struct jota_health_context postboot = {
	.phase = JOTA_PHASE_POSTBOOT, .slot = "B", .boot_id = "11111111-2222-3333-4444-555555555555"
};

/* What a kind may do wrong, one each. */
static void hang(const struct jota_check_run *run, struct jota_finding *ret)
{
	(void)run;
	(void)ret;
	for (;;)
		(void)pause();
}

static void hang_blocked(const struct jota_check_run *run, struct jota_finding *ret)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	hang(run, ret);
}

static void crash(const struct jota_check_run *run, struct jota_finding *ret)
{
	(void)run;
	(void)ret;
	(void)raise(SIGSEGV);
}

static void leave(const struct jota_check_run *run, struct jota_finding *ret)
{
	(void)run;
	(void)ret;
	_exit(0);
}

static void write_garbage(const struct jota_check_run *run, struct jota_finding *ret)
{
	char garbage[sizeof(*ret)];

	(void)run;
	memset(garbage, 0xee, sizeof(garbage));
	(void)!write(3, garbage, sizeof(garbage));
}

static void write_a_piece(const struct jota_check_run *run, struct jota_finding *ret)
{
	(void)run;
	(void)!write(3, ret, sizeof(*ret) / 2);
	_exit(0);
}

static void claim_to_be_skipped(const struct jota_check_run *run, struct jota_finding *ret)
{
	(void)run;
	ret->status = JOTA_SKIPPED;
}

static void kill_the_warden(const struct jota_check_run *run, struct jota_finding *ret)
{
	(void)run;
	(void)ret;
	(void)kill(getppid(), SIGKILL);
	(void)usleep(100000);
}

static void stop_the_warden(const struct jota_check_run *run, struct jota_finding *ret)
{
	(void)kill(getppid(), SIGSTOP);
	hang(run, ret);
}

static void pass(const struct jota_check_run *run, struct jota_finding *ret)
{
	(void)run;
	jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "well");
}

static const struct {
	void (*run)(const struct jota_check_run *run, struct jota_finding *ret);
	enum jota_status status;
	enum jota_reason reason;
} misdeeds[] = {
	{ hang, JOTA_TIMEOUT, JOTA_WHY_DEADLINE },
	{ hang_blocked, JOTA_TIMEOUT, JOTA_WHY_DEADLINE },
	{ stop_the_warden, JOTA_TIMEOUT, JOTA_WHY_DEADLINE },
	{ crash, JOTA_ERROR, JOTA_WHY_CRASHED },
	{ leave, JOTA_ERROR, JOTA_WHY_CRASHED },
	{ write_garbage, JOTA_ERROR, JOTA_WHY_CRASHED },
	{ write_a_piece, JOTA_ERROR, JOTA_WHY_CRASHED },
	{ claim_to_be_skipped, JOTA_ERROR, JOTA_WHY_CRASHED },
	{ kill_the_warden, JOTA_ERROR, JOTA_WHY_CRASHED },
	{ pass, JOTA_PASS, JOTA_WHY_OK },
};
#define MISDEED_COUNT ((int)(sizeof(misdeeds) / sizeof(misdeeds[0])))

static void probe(void (*run_fn)(const struct jota_check_run *, struct jota_finding *),
		  uint32_t deadline_ms, struct jota_finding *ret)
{
	struct jota_check_kind kind = { .name = "test", .run = run_fn };
	struct jota_check check = { .kind = &kind, .deadline_ms = deadline_ms };
	struct jota_check_run run = { .io = &scratch.io,
				      .check = &check,
				      .context = &postboot,
				      .deadline_ms = jota_now_ms() + deadline_ms };

	jota_probe(&run, ret);
}

START_TEST(whatever_a_kind_does_there_is_a_result_in_time_and_nothing_is_left)
{
	size_t before = open_files();
	uint64_t began_ms = jota_now_ms();
	struct jota_finding found;

	/* Only what waits for its deadline gets a short one. */
	probe(misdeeds[_i].run, misdeeds[_i].status == JOTA_TIMEOUT ? 200 : LATE_MS, &found);
	ck_assert_msg(found.status == misdeeds[_i].status && found.reason == misdeeds[_i].reason,
		      "%d: %s %s '%s'", _i, jota_status_name(found.status),
		      jota_reason_word(found.reason), found.message);
	ck_assert_uint_lt(jota_now_ms() - began_ms, LATE_MS);
	ck_assert_uint_eq(open_files(), before);
	ck_no_children();
}
END_TEST

static volatile sig_atomic_t signalled;

static void note_signal(int number)
{
	signalled = number;
}

START_TEST(handlers_and_other_children_of_the_host_stay_its_own)
{
	struct sigaction action = { .sa_handler = note_signal }, after;
	struct jota_finding found;
	pid_t other = fork();
	int status;

	if (other == 0)
		_exit(7);
	ck_assert_int_eq(sigaction(SIGTERM, &action, NULL), 0);
	probe(pass, 2000, &found);
	ck_assert_int_eq(found.status, JOTA_PASS);
	probe(hang, 200, &found);
	ck_assert_int_eq(sigaction(SIGTERM, NULL, &after), 0);
	ck_assert(after.sa_handler == note_signal);
	ck_assert_int_eq(signalled, 0);
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	ck_no_children();
}
END_TEST

START_TEST(a_host_that_ignores_its_children_gets_results_too)
{
	struct jota_finding found;

	ck_assert(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	probe(pass, 2000, &found);
	ck_assert_int_eq(found.status, JOTA_PASS);
	script("/bin/no", "exit 3");
	ck_fail(COMMAND("/bin/no"), JOTA_WHY_EXIT_STATUS, "exit status 3");
	ck_assert(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
}
END_TEST

START_TEST(a_host_without_standard_streams_gets_results_too)
{
	struct jota_finding found;
	int kept[3];

	for (int i = 0; i < 3; i++) {
		kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		(void)close(i);
	}
	probe(pass, 2000, &found);
	for (int i = 0; i < 3; i++) {
		(void)dup2(kept[i], i);
		(void)close(kept[i]);
	}
	ck_assert_int_eq(found.status, JOTA_PASS);
}
END_TEST

START_TEST(it_is_tried_again_until_it_passes)
{
	make_dir("/tmp", 01777);
	script("/bin/third", "f=${0%/bin/third}/tmp/n; echo x >> $f; [ $(wc -l < $f) -ge 3 ]");
	ck_pass(COMMAND("/bin/third") " retries = 5; interval_s = 0.05;", "");
	ck_assert_uint_eq(report.result[0].attempts, 3);
}
END_TEST

START_TEST(when_no_attempt_passes_the_last_one_counts)
{
	script("/bin/no", "exit 1");
	ck_fail(COMMAND("/bin/no") " retries = 2; interval_s = 0;", JOTA_WHY_EXIT_STATUS, "");
	ck_assert_uint_eq(report.result[0].attempts, 3);
}
END_TEST

START_TEST(a_warning_is_no_verdict)
{
	struct jota_plan plan;

	script("/bin/no", "exit 1");
	script("/bin/ok", "exit 0");
	plan_from("stability_s = 0;",
		  "{ name = \"w\"; severity = \"warning\"; " COMMAND(
			  "/bin/no") " },"
				     "{ name = \"c\"; " COMMAND("/bin/ok") " }",
		  &plan);
	run_plan(&plan, &postboot, NULL);
	jota_plan_done(&plan);
	ck_assert(report.healthy);
	ck_assert_ptr_null(jota_report_culprit(&report));
	ck_assert_int_eq(report.result[0].status, JOTA_FAIL);
}
END_TEST

START_TEST(the_overall_deadline_holds_and_names_what_had_no_turn)
{
	uint64_t began_ms = jota_now_ms();
	struct jota_plan plan;

	script("/bin/hang", "trap '' TERM; while :; do sleep 60; done");
	plan_from("deadline_s = 5; stability_s = 0;",
		  "{ name = \"a\"; deadline_s = 5; retries = 9; " COMMAND(
			  "/bin/hang") " },"
				       "{ name = \"b\"; deadline_s = 5; " COMMAND(
					       "/bin/hang") " },"
							    "{ name = \"c\"; " COMMAND(
								    "/bin/hang") " }",
		  &plan);
	run_plan(&plan, &postboot, NULL);
	jota_plan_done(&plan);
	/* Without it: ten attempts of five seconds, twice. */
	ck_assert_uint_lt(jota_now_ms() - began_ms, LATE_MS);
	ck_assert_uint_eq(report.count, 3);
	ck_assert_int_eq(report.result[0].status, JOTA_TIMEOUT);
	ck_assert_int_eq(report.result[0].reason, JOTA_WHY_DEADLINE);
	ck_assert_int_eq(report.result[2].status, JOTA_TIMEOUT);
	ck_assert_int_eq(report.result[2].reason, JOTA_WHY_OVERALL_DEADLINE);
	ck_assert_uint_eq(report.result[2].attempts, 0);
	ck_assert(!report.healthy);
}
END_TEST

/* Baseline mode. The link is whether the cable is plugged in. */
#define LINK                                                                                       \
	"{ name = \"link\"; baseline = true; retries = 3; interval_s = 0; " COMMAND(               \
		"/bin/link") " }"
#define APP "{ name = \"app\"; " COMMAND("/bin/app") " }"

static void run_phase(enum jota_phase phase, const struct jota_report *baseline)
{
	struct jota_health_context context = postboot;
	struct jota_plan plan;

	context.phase = phase;
	plan_from("stability_s = 0;", LINK "," APP, &plan);
	run_plan(&plan, &context, baseline);
	jota_plan_done(&plan);
}

START_TEST(baseline_counts_what_worked_before_the_update)
{
	struct jota_report before;

	script("/bin/app", "exit 0");
	script("/bin/link", "exit 0");
	run_phase(JOTA_PHASE_BASELINE, NULL);
	before = report;
	ck_assert_uint_eq(before.count, 1); /* only what is in baseline mode */
	script("/bin/link", "echo unplugged; exit 1");
	run_phase(JOTA_PHASE_POSTBOOT, &before);
	ck_assert(!report.healthy);
	ck_assert_str_eq(jota_report_culprit(&report)->name, "link");
	ck_assert_uint_eq(report.result[0].attempts, 4);
}
END_TEST

START_TEST(baseline_does_not_count_what_failed_before_the_update)
{
	struct jota_report before;

	script("/bin/app", "exit 0");
	script("/bin/link", "echo unplugged; exit 1");
	run_phase(JOTA_PHASE_BASELINE, NULL);
	before = report;
	ck_assert_int_eq(before.result[0].status, JOTA_FAIL);
	run_phase(JOTA_PHASE_POSTBOOT, &before);
	ck_assert(report.healthy);
	ck_assert_int_eq(report.result[0].status, JOTA_SKIPPED);
	ck_assert_int_eq(report.result[0].reason, JOTA_WHY_NOT_IN_BASELINE);
	ck_assert_ptr_nonnull(strstr(report.result[0].message, "unplugged"));
	ck_assert_uint_eq(report.result[0].attempts, 1);
}
END_TEST

START_TEST(baseline_that_nobody_took_counts_nothing_and_says_so)
{
	script("/bin/app", "exit 0");
	script("/bin/link", "exit 1");
	run_phase(JOTA_PHASE_POSTBOOT, NULL);
	ck_assert(report.healthy);
	ck_assert_int_eq(report.result[0].reason, JOTA_WHY_NO_BASELINE);
	script("/bin/app", "exit 1");
	run_phase(JOTA_PHASE_POSTBOOT, NULL);
	ck_assert(!report.healthy);
	ck_assert_str_eq(jota_report_culprit(&report)->name, "app");
}
END_TEST

START_TEST(baseline_of_another_kind_of_check_does_not_count)
{
	struct jota_report before = { .count = 1 };

	(void)snprintf(before.result[0].name, sizeof(before.result[0].name), "link");
	(void)snprintf(before.result[0].kind, sizeof(before.result[0].kind), "tcp");
	script("/bin/app", "exit 0");
	script("/bin/link", "exit 1");
	run_phase(JOTA_PHASE_POSTBOOT, &before);
	ck_assert_int_eq(report.result[0].status, JOTA_SKIPPED);
}
END_TEST

/* The stability window. */
START_TEST(what_passed_must_still_pass_after_the_window)
{
	struct jota_plan plan;

	make_dir("/tmp", 01777);
	script("/bin/once", "f=${0%/bin/once}/tmp/n; [ ! -e $f ] && touch $f");
	script("/bin/ok", "exit 0");
	plan_from("stability_s = 0.3;",
		  "{ name = \"ok\"; " COMMAND("/bin/ok") " },"
							 "{ name = \"once\"; " COMMAND(
								 "/bin/once") " }",
		  &plan);
	run_plan(&plan, &postboot, NULL);
	jota_plan_done(&plan);
	ck_assert(!report.healthy);
	ck_assert_str_eq(jota_report_culprit(&report)->name, "once");
	ck_assert_ptr_nonnull(strstr(report.result[1].message, "stability window"));
	ck_assert_uint_eq(report.result[0].attempts, 2);
	ck_assert_uint_ge(report.duration_ms, 300);
}
END_TEST

START_TEST(once_is_not_repeated_and_preflip_has_no_window)
{
	struct jota_health_context preflip = { .phase = JOTA_PHASE_PREFLIP };
	struct jota_plan plan;

	script("/bin/ok", "exit 0");
	plan_from("stability_s = 0.3;",
		  "{ name = \"o\"; once = true; phase = [ \"preflip\", \"postboot\" ]; " COMMAND(
			  "/bin/ok") " }",
		  &plan);
	run_plan(&plan, &postboot, NULL);
	ck_assert_uint_eq(report.result[0].attempts, 1);
	ck_assert_uint_ge(report.duration_ms, 300);
	plan.stability_ms = 2 * LATE_MS;
	run_plan(&plan, &preflip, NULL);
	ck_assert_uint_eq(report.result[0].attempts, 1);
	ck_assert_uint_lt(report.duration_ms, LATE_MS);
	jota_plan_done(&plan);
}
END_TEST

START_TEST(an_unhealthy_system_is_told_without_waiting_for_the_window)
{
	uint64_t began_ms = jota_now_ms();
	struct jota_plan plan;

	script("/bin/no", "exit 1");
	plan_from("stability_s = 60;", "{ name = \"no\"; " COMMAND("/bin/no") " }", &plan);
	run_plan(&plan, &postboot, NULL);
	jota_plan_done(&plan);
	ck_assert_uint_lt(jota_now_ms() - began_ms, LATE_MS);
	ck_assert_str_eq(report.boot_id, postboot.boot_id);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("engine");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, health_setup, health_teardown);
	tcase_add_loop_test(tcase,
			    whatever_a_kind_does_there_is_a_result_in_time_and_nothing_is_left, 0,
			    MISDEED_COUNT);
	tcase_add_test(tcase, handlers_and_other_children_of_the_host_stay_its_own);
	tcase_add_test(tcase, a_host_that_ignores_its_children_gets_results_too);
	tcase_add_test(tcase, a_host_without_standard_streams_gets_results_too);
	tcase_add_test(tcase, it_is_tried_again_until_it_passes);
	tcase_add_test(tcase, when_no_attempt_passes_the_last_one_counts);
	tcase_add_test(tcase, a_warning_is_no_verdict);
	tcase_add_test(tcase, the_overall_deadline_holds_and_names_what_had_no_turn);
	tcase_add_test(tcase, baseline_counts_what_worked_before_the_update);
	tcase_add_test(tcase, baseline_does_not_count_what_failed_before_the_update);
	tcase_add_test(tcase, baseline_that_nobody_took_counts_nothing_and_says_so);
	tcase_add_test(tcase, baseline_of_another_kind_of_check_does_not_count);
	tcase_add_test(tcase, what_passed_must_still_pass_after_the_window);
	tcase_add_test(tcase, once_is_not_repeated_and_preflip_has_no_window);
	tcase_add_test(tcase, an_unhealthy_system_is_told_without_waiting_for_the_window);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
