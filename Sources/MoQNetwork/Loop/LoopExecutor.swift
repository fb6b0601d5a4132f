/// Runs actors on a loop's thread: give it as an actor's `unownedExecutor`.
///
/// The serial and the task executor are two objects on purpose: an object that is both makes every hop
/// between actors of the same loop a queued job.
public final class LoopExecutor: SerialExecutor {
  let mailbox: Mailbox
  let core: LoopBound<LoopCore>

  init(mailbox: Mailbox, core: LoopCore) {
    (self.mailbox, self.core) = (mailbox, LoopBound(core, mailbox: mailbox))
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if mailbox.isOnLoop {
      core.unchecked.ready.append(.job(job, taskExecutor: false))
    } else if !mailbox.put(.job(job, taskExecutor: false)) {
      // The loop has ended: the job runs all the same, so that its task can end as well.
      mailbox.putAfterEnd(.job(job, taskExecutor: false)) { core.unchecked.run($0) }
    }
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  public func checkIsolated() { mailbox.checkOnLoop() }

  public func isIsolatingCurrentContext() -> Bool? { mailbox.isOnLoop }
}

/// Runs tasks on a loop's thread: `Task(executorPreference: loop.taskExecutor)`.
public final class LoopTaskExecutor: TaskExecutor {
  let mailbox: Mailbox
  let core: LoopBound<LoopCore>

  init(mailbox: Mailbox, core: LoopCore) {
    (self.mailbox, self.core) = (mailbox, LoopBound(core, mailbox: mailbox))
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if mailbox.isOnLoop {
      core.unchecked.ready.append(.job(job, taskExecutor: true))
    } else if !mailbox.put(.job(job, taskExecutor: true)) {
      mailbox.putAfterEnd(.job(job, taskExecutor: true)) { core.unchecked.run($0) }
    }
  }

  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}
