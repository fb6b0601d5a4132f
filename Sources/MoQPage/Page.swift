/// The page that a relay shows to a browser: `page.html`, which is part of the program.
public enum Page {
  /// HTML in UTF-8.
  public static var html: [UInt8] { PackageResources.page_html }
}
