//! Real commands on a queue in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kinetik_core::{FailureKind, Job, Queue, Status};
use rustix::process::{Pid, test_kill_process};
use seed::{Value, doc};
use tokio_util::task::TaskTracker;

use super::{Command, END_TIME, run};

/// Runs a command for a job with this data, until nothing of it is left.
async fn job_of(words: &[&str], data: impl Into<Value>, timeout: Option<Duration>) -> Job {
    let queue = Queue::open(Arc::new(seed_memory::MemoryStore::new()))
        .await
        .unwrap();
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let command = Arc::new(Command::new(&words, Path::new("/")).unwrap());
    let commands = TaskTracker::new();
    let tracker = commands.clone();
    let mut task = queue.define("task").tag("tag");
    if let Some(timeout) = timeout {
        task = task.timeout(timeout).wind_down(END_TIME);
    }
    task.action(move |context| tracker.track_future(run(Arc::clone(&command), context)))
        .unwrap();
    let id = queue.create("task", data).save().await.unwrap();
    queue.process(["tag"]).drain().await.unwrap();
    commands.close();
    commands.wait().await;
    queue.job(&id).await.unwrap().unwrap()
}

async fn job(script: &str, data: impl Into<Value>) -> Job {
    job_of(&["/bin/sh", "-c", script], data, None).await
}

fn said(job: &Job) -> Vec<&str> {
    // The queue's own lines stand before and behind.
    let lines: Vec<&str> = job.log.iter().map(|line| line.message.as_str()).collect();
    assert!(lines.len() >= 3, "{lines:?}");
    lines[2..lines.len() - 1].to_vec()
}

fn message(job: &Job) -> &str {
    &job.error.as_ref().unwrap().message
}

#[tokio::test]
async fn the_data_arrives_on_standard_input() {
    let data = doc! { "$date": 1, "text": "a\nb \u{1b}[31m 世界", "n": [1, 2.5, null] };
    let job = job("cat", data).await;
    assert_eq!(job.status, Status::Completed);
    assert_eq!(
        said(&job),
        [r#"{"$date":1,"text":"a\nb \u001b[31m 世界","n":[1,2.5,null]}"#]
    );
}

#[tokio::test]
async fn the_environment_tells_about_the_job() {
    let job = job(
        "echo $KINETIK_JOB_ID/$KINETIK_TASK/$KINETIK_TAG/$KINETIK_ATTEMPT/$KINETIK_TOKEN",
        1,
    )
    .await;
    let token = job.token.clone().unwrap();
    assert_eq!(said(&job), [format!("{}/task/tag/1/{token}", job.id)]);
}

#[tokio::test]
async fn protocol_lines_are_understood_and_the_others_logged() {
    let script = r#"
        echo one
        echo '::progress 3 4'
        echo '::log {"message": "two", "data": {"n": 2}}'
        echo '::result {"sent": true}'
        echo '::result of it'
        printf three"#;
    let job = job(script, Value::Null).await;
    assert_eq!(said(&job), ["one", "two", "::result of it", "three"]);
    assert_eq!(job.log[3].data, doc! { "n": 2 }.into());
    assert_eq!(
        job.progress.map(|progress| (progress.current, progress.total)),
        Some((3.0, 4.0))
    );
    assert_eq!(job.result, doc! { "sent": true }.into());
}

#[tokio::test]
async fn a_failure_is_the_last_line_of_standard_error_and_the_exit_code() {
    let job = job(
        "echo first >&2; echo last >&2; echo; echo not this; exit 3",
        Value::Null,
    )
    .await;
    assert_eq!(
        (job.status, message(&job)),
        (Status::Failed, "last (exit code 3)")
    );
    assert_eq!(job.error.unwrap().code.as_deref(), Some("3"));
}

#[tokio::test]
async fn an_error_line_says_why() {
    let fails = job(
        r#"echo '::error {"message": "no such user", "code": 550}'; exit 1"#,
        Value::Null,
    )
    .await;
    assert_eq!(message(&fails), "no such user");
    assert_eq!(fails.error.unwrap().code.as_deref(), Some("550"));
    let completes = job(r#"echo '::error {"message": "never mind"}'; exit 0"#, Value::Null).await;
    assert_eq!(completes.status, Status::Completed);
}

#[tokio::test]
async fn a_command_that_is_killed_fails_with_the_signal() {
    let job = job("kill -KILL $$", Value::Null).await;
    assert_eq!(message(&job), "the command ended with signal 9");
}

#[tokio::test]
async fn a_command_that_cannot_be_started_fails_its_job() {
    for (program, expected) in [
        ("/no/such/command", "was not found"),
        ("no-such-command", "was not found"),
        ("/etc", "may not be run"),
    ] {
        let job = job_of(&[program], Value::Null, None).await;
        assert!(
            message(&job).contains(expected) && message(&job).contains(program),
            "{}",
            message(&job)
        );
    }
}

#[tokio::test]
async fn a_script_whose_interpreter_is_missing_is_not_itself_missing() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("send.sh");
    // Written by a shell: a command that another test starts meanwhile could hold a file of ours open, "text file busy".
    let made = std::process::Command::new("/bin/sh")
        .args(["-c", "echo '#!/no/such/shell' > \"$0\" && chmod +x \"$0\""])
        .arg(&script)
        .status();
    assert!(made.unwrap().success());
    let job = job_of(&[script.to_str().unwrap()], Value::Null, None).await;
    assert!(
        message(&job).contains("needs a program that was not found"),
        "{}",
        message(&job)
    );
}

#[tokio::test]
async fn a_value_of_the_data_is_one_argument_and_no_shell_sees_it() {
    let data = doc! { "to": "$(touch /tmp/x); 'a b' \"c\" *\n" };
    let job = job_of(
        &["/bin/sh", "-c", "printf '%s|' \"$@\"; echo", "sh", "{to}", "{to}"],
        data,
        None,
    )
    .await;
    let expected = "$(touch /tmp/x); 'a b' \"c\" *";
    assert_eq!(said(&job).join("\n"), format!("{expected}\n|{expected}\n|"));
}

#[tokio::test]
async fn a_command_need_not_read_its_input() {
    let large = "x".repeat(1_000_000);
    for script in ["exit 0", "exec <&-; echo closed", "head -c 10 > /dev/null"] {
        assert_eq!(
            job(script, large.as_str()).await.status,
            Status::Completed,
            "{script}"
        );
    }
}

#[tokio::test]
async fn a_command_may_close_its_output() {
    assert_eq!(
        job("exec >&- 2>&-; cat > /dev/null", Value::Null).await.status,
        Status::Completed
    );
}

#[tokio::test]
async fn output_without_end_is_cut_and_the_log_says_so() {
    let job = job(
        "yes 'a line of the log' | head -n 1000000; echo '::result 1'",
        Value::Null,
    )
    .await;
    assert_eq!((job.status, &job.result), (Status::Completed, &1.into()));
    assert!(
        said(&job).last().unwrap().contains("the log is full"),
        "{:?}",
        said(&job).last()
    );
}

#[tokio::test]
async fn a_line_without_end_is_cut_and_says_so() {
    let job = job(
        "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo next",
        Value::Null,
    )
    .await;
    assert_eq!(said(&job).len(), 2);
    assert!(said(&job)[0].ends_with("x… (the rest of the line is cut off)"));
    assert_eq!(said(&job)[1], "next");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replaced() {
    assert_eq!(
        said(&job(r"printf 'a\377b\n'", Value::Null).await),
        ["a\u{fffd}b"]
    );
}

#[tokio::test]
async fn a_result_that_is_too_large_fails_the_job() {
    let job = job(
        "printf '::result \"'; head -c 3000000 /dev/zero | tr '\\0' x; echo '\"'",
        Value::Null,
    )
    .await;
    assert_eq!(
        (job.status, job.error.unwrap().kind),
        (Status::Failed, FailureKind::TooLarge)
    );
}

#[tokio::test]
async fn what_a_command_leaves_behind_does_not_hold_its_job() {
    let job = job(
        "sleep 1000 & echo ::log '{\"message\":' $! '}'; printf 'no end'",
        Value::Null,
    )
    .await;
    assert_eq!(job.status, Status::Completed);
    let [process, last] = said(&job)[..] else {
        panic!("{:?}", said(&job))
    };
    assert_eq!(last, "no end");
    let process = Pid::from_raw(process.parse().unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("it is left alone");
}

#[tokio::test]
async fn what_a_command_leaves_behind_may_write_on_and_does_not_hold_its_job() {
    // It ends when nobody reads any more. Less than the time that the rest of the output may take at the most.
    let script = ["/bin/sh", "-c", "(while echo drip; do :; done) & echo last"];
    let timeout = Some(Duration::from_secs(4));
    let job = job_of(&script, Value::Null, timeout).await;
    assert_eq!(job.status, Status::Completed, "{:?}", job.error);
    assert!(said(&job).contains(&"last"));
}

#[tokio::test]
async fn a_timeout_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let timeout = Some(Duration::from_millis(300));
    let job = job_of(&["/bin/sh", "-c", &script], Value::Null, timeout).await;
    assert_eq!(
        (job.status, job.error.unwrap().kind),
        (Status::Timeout, FailureKind::Timeout)
    );
    assert_is_gone(&file);
}

/// Time is simulated here: the five seconds between the two signals pass at once.
#[tokio::test(start_paused = true)]
async fn a_group_that_ignores_sigterm_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "trap '' TERM; echo $$ > {}; while :; do sleep 1000; done",
        file.display()
    );
    let command = Arc::new(Command::new(&["/bin/sh".into(), "-c".into(), script], Path::new("/")).unwrap());
    let queue = Queue::open(Arc::new(seed_memory::MemoryStore::new()))
        .await
        .unwrap();
    let seen = file.clone();
    let action = move |context: kinetik_core::Context| {
        let (command, seen) = (Arc::clone(&command), seen.clone());
        async move {
            let cancellation = context.cancellation().clone();
            // The trap is set once the file is written.
            let stop = async {
                while std::fs::read_to_string(&seen).map_or(true, |text| !text.ends_with('\n')) {
                    tokio::task::yield_now().await;
                }
                cancellation.cancel();
            };
            tokio::join!(run(command, context), stop).0
        }
    };
    queue.define("task").action(action).unwrap();
    queue.create("task", 1).save().await.unwrap();
    let summary = queue.process(["default"]).drain().await.unwrap();
    assert_eq!(summary.failed, 1);
    assert_is_gone(&file);
}

#[tokio::test]
async fn a_command_has_time_to_tidy_up_behind_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidied");
    let script = format!(
        "trap 'echo yes > {}; exit 0' TERM; while :; do sleep 0.01; done",
        file.display()
    );
    let timeout = Some(Duration::from_millis(300));
    let job = job_of(&["/bin/sh", "-c", &script], Value::Null, timeout).await;
    assert_eq!(
        job.status,
        Status::Timeout,
        "an exit code that comes too late counts for nothing"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "yes\n");
}

#[tokio::test]
async fn a_line_that_the_timeout_breaks_off_is_in_the_log() {
    let timeout = Some(Duration::from_millis(300));
    let script = "printf 'half a line'; exec sleep 60";
    let job = job_of(&["/bin/sh", "-c", script], Value::Null, timeout).await;
    assert_eq!(job.status, Status::Timeout);
    let lines: Vec<&str> = job.log.iter().map(|line| line.message.as_str()).collect();
    assert!(lines.contains(&"half a line"), "{lines:?}");
}

#[tokio::test]
async fn output_that_never_ends_is_cut_until_the_timeout_ends_it() {
    let timeout = Some(Duration::from_secs(2));
    let job = job_of(&["yes", "a line of the log"], Value::Null, timeout).await;
    assert_eq!(job.status, Status::Timeout);
    let lines: Vec<&str> = job.log.iter().map(|line| line.message.as_str()).collect();
    assert!(
        lines.iter().any(|line| line.contains("the log is full")),
        "{}",
        lines.len()
    );
    let bytes: usize = lines.iter().map(|line| line.len()).sum();
    assert!(bytes < 2 * 1024 * 1024, "{bytes}");
}

#[tokio::test]
async fn an_argument_that_is_too_long_fails_its_job() {
    let data = doc! { "text": ("x".repeat(4_000_000)) };
    let job = job_of(&["echo", "{text}"], data, None).await;
    assert_eq!(job.status, Status::Failed);
    assert!(message(&job).contains("cannot be started"), "{}", message(&job));
}

#[tokio::test]
async fn nul_and_escape_sequences_in_the_output_are_kept_as_they_are() {
    let job = job(
        r"printf 'a\000b\033[31m\n'; printf 'c\000d' >&2; exit 1",
        Value::Null,
    )
    .await;
    assert_eq!(message(&job), "c\0d (exit code 1)");
    assert!(said(&job).contains(&"a\0b\u{1b}[31m"), "{:?}", said(&job));
}

#[tokio::test]
async fn a_command_has_the_environment_and_the_folder_of_its_worker() {
    let job = job("echo \"$PATH\"; pwd", Value::Null).await;
    let folder = std::env::current_dir().unwrap().display().to_string();
    assert_eq!(said(&job), [std::env::var("PATH").unwrap(), folder]);
}

fn assert_is_gone(file: &Path) {
    let process = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    assert!(
        test_kill_process(Pid::from_raw(process).unwrap()).is_err(),
        "the process {process} is still there"
    );
}
