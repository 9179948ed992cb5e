/** What nobody waits for may fail too: then the operator hears of it. */
export function inBackground(work: Promise<unknown>): void {
  work.catch(warn);
}

export function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
