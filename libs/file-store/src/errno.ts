/** What a failed system call is reported as. */
export interface SystemError {
  readonly code: string;
  readonly syscall: string;
  readonly message: string;
}

/** True for an error with one of these codes of the system. It need not be this realm's Error: Jest runs tests in another. */
export function hasErrno(error: unknown, ...codes: string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code));
}

/** True for an error that a system call has returned. */
export function isSystemError(error: unknown): error is SystemError {
  return typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error;
}
