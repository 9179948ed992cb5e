/** True for a system error with one of these codes. It need not be this realm's Error: Jest runs tests in another. */
export function hasErrno(error: unknown, ...codes: string[]): boolean {
  return isSystemError(error) && codes.includes(error.code);
}

/** True for an error that a system call has returned. */
export function isSystemError(error: unknown): error is { code: string; syscall: string } {
  return typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error;
}
