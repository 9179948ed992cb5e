/**
 * The final uploads that this process knows to wait for a partial one. The partial's info names them too, for other
 * processes; this covers the time in which a running request holds the partial's lock.
 */
export class AwaitedPartials {
  private readonly finals = new Map<string, Set<string>>();

  add(partialId: string, finalId: string): void {
    const finals = this.finals.get(partialId) ?? new Set();
    this.finals.set(partialId, finals.add(finalId));
  }

  finalsOf(partialId: string): readonly string[] {
    return [...(this.finals.get(partialId) ?? [])];
  }

  /** Forgets that final uploads wait for a partial one: its info names them now, or it is finished. */
  forget(partialId: string, finalIds: readonly string[]): void {
    const finals = this.finals.get(partialId);
    for (const finalId of finalIds) finals?.delete(finalId);
    if (finals?.size === 0) this.finals.delete(partialId);
  }

  /** Forgets a final upload that is joined, or gone. */
  settle(finalId: string, partialIds: readonly string[]): void {
    for (const partialId of partialIds) this.forget(partialId, [finalId]);
  }
}
