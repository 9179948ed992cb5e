/** Pairs of a partial and a final upload that are kept. What is forgotten is joined when a client asks for the final upload. */
const MOST_PAIRS = 50_000;

/**
 * The final uploads that this process knows to wait for a partial one. The partial's info names them too, for other
 * processes; this covers the time in which a running request holds the partial's lock.
 */
export class AwaitedPartials {
  private readonly finals = new Map<string, Set<string>>();
  private pairs = 0;

  add(partialId: string, finalId: string): void {
    const finals = this.finals.get(partialId) ?? new Set();
    if (finals.has(finalId)) return;
    this.finals.set(partialId, finals.add(finalId));
    this.pairs += 1;
    if (this.pairs > MOST_PAIRS) this.forgetOldest();
  }

  finalsOf(partialId: string): readonly string[] {
    return [...(this.finals.get(partialId) ?? [])];
  }

  /** Forgets that final uploads wait for a partial one: its info names them now, or it is finished. */
  forget(partialId: string, finalIds: readonly string[]): void {
    const finals = this.finals.get(partialId);
    for (const finalId of finalIds) if (finals?.delete(finalId)) this.pairs -= 1;
    if (finals?.size === 0) this.finals.delete(partialId);
  }

  /** Forgets a final upload that is joined, or gone. */
  settle(finalId: string, partialIds: readonly string[]): void {
    for (const partialId of partialIds) this.forget(partialId, [finalId]);
  }

  private forgetOldest(): void {
    for (const [partialId, finals] of this.finals) {
      for (const finalId of finals) return this.forget(partialId, [finalId]);
    }
  }
}
