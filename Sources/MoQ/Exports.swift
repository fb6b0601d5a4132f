// What a user of this module handles by the kernel's own names.
@_exported import MoQKernel
