import CQuic

/// A value that lives on one loop: the reference may travel between threads, the value is only touched there.
///
/// This is the module's one audited use of unchecked sendability. What makes it sound: `value` checks
/// that it is called on the loop's thread and stops the program otherwise, and a loop runs one job at a
/// time. A bound value must also be let go on the loop, or when the loop has ended.
public struct LoopBound<Value>: @unchecked Sendable {
  let mailbox: Mailbox
  @usableFromInline var bound: Value

  /// Binds `value`. Called on the loop, or before anything else knows the value.
  public init(_ value: Value, on loop: Loop) {
    (bound, mailbox) = (value, loop.mailbox)
  }

  init(_ value: Value, mailbox: Mailbox) {
    (bound, self.mailbox) = (value, mailbox)
  }

  /// The value. Called on the loop only.
  public var value: Value {
    mailbox.checkOnLoop()
    return bound
  }

  /// The value, for what is known to be on the loop, or for a core that guards itself.
  var unchecked: Value { bound }
}
