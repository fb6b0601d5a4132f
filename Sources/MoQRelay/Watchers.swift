/// The cursors at a subgroup or group, those that wait for bytes apart from all others, so that what
/// arrives touches only subscribers with room.
final class Watchers {
  /// Have written all there is and have room.
  private(set) var waiting: [Cursor] = []
  /// Have no room, or have written everything and wait until it has arrived.
  private(set) var others: [Cursor] = []

  var isEmpty: Bool { waiting.isEmpty && others.isEmpty }

  func insert(_ cursor: Cursor) {
    cursor.place = .waiting(waiting.count)
    waiting.append(cursor)
  }
  func remove(_ cursor: Cursor) {
    switch cursor.place {
    case .nowhere: return
    case .waiting(let index): take(index, from: &waiting) { .waiting($0) }
    case .other(let index): take(index, from: &others) { .other($0) }
    }
    cursor.place = .nowhere
  }
  func wait(_ cursor: Cursor) {
    guard case .other = cursor.place else { return }
    remove(cursor)
    insert(cursor)
  }
  func block(_ cursor: Cursor) {
    guard case .waiting = cursor.place else { return }
    remove(cursor)
    cursor.place = .other(others.count)
    others.append(cursor)
  }
  private func take(_ index: Int, from list: inout [Cursor], _ place: (Int) -> Cursor.Place) {
    let last = list.removeLast()
    guard index < list.count else { return }
    list[index] = last
    last.place = place(index)
  }

  /// Lets those that wait write what has come. A cursor may leave, or stop waiting, meanwhile.
  func pump() {
    var index = waiting.count
    while index > 0 {
      index -= 1
      // Those behind `index` have been visited; one of them has its place if this one leaves.
      if index < waiting.count { waiting[index].pump() }
    }
  }
  func evicted() {
    for cursor in waiting { cursor.evicted() }
    for cursor in others { cursor.evicted() }
    for cursor in waiting { cursor.place = .nowhere }
    for cursor in others { cursor.place = .nowhere }
    (waiting, others) = ([], [])
  }
}
