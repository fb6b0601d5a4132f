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

  public func enqueue(_ job: consuming ExecutorJob) { core.enqueue(.job(UnownedJob(job), taskExecutor: false)) }

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

  public func enqueue(_ job: consuming ExecutorJob) { core.enqueue(.job(UnownedJob(job), taskExecutor: true)) }

  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}

extension LoopBound<LoopCore> {
  fileprivate func enqueue(_ job: Mailbox.Item) {
    if mailbox.isOnLoop {
      unchecked.ready.append(job)
    } else if !mailbox.put(job) {
      // The loop has ended: the job runs all the same, so that its task can end as well.
      mailbox.putAfterEnd(job) { unchecked.run($0) }
    }
  }
}
