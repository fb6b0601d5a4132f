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
      // The loop has ended: run the job here, so that its task can end as well.
      job.runSynchronously(on: asUnownedSerialExecutor())
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
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}
