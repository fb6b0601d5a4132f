import MoQKernel
