/** Primary to worker: end. Signals are not passed on: a terminal sends them to all processes by itself. */
export const SHUT_DOWN = 'tus: shut down';

/** Worker to primary: it cannot start, and why. */
export interface StartFailure {
  readonly startFailure: string;
}

export function isStartFailure(message: unknown): message is StartFailure {
  return typeof message === 'object' && message !== null && 'startFailure' in message;
}
