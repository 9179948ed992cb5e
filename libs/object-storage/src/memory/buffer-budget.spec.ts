import { BufferBudget, type Spiller } from './buffer-budget.js';

const KIB = 1024;

describe('BufferBudget', () => {
  /** Somebody who holds bytes; `stored` ends their way to the service. */
  const holder = (budget: BufferBudget, buffered: number, lastArrival: number) => {
    const spiller: Spiller & { buffered: number; spilled: number; stored(): void } = {
      buffered,
      lastArrival,
      spilled: 0,
      spill() {
        budget.leave(this.buffered);
        this.spilled += this.buffered;
        this.buffered = 0;
      },
      stored() {
        budget.gone(this.spilled);
      },
    };
    budget.arrive(buffered);
    budget.join(spiller);
    return spiller;
  };

  it('has room below its limit', async () => {
    const budget = new BufferBudget(1_000);
    budget.arrive(1_000);
    await budget.room();
    expect(budget.bytes).toBe(1_000);
  });

  it('makes the slowest store what they have, and waits until it is gone', async () => {
    const budget = new BufferBudget(400 * KIB);
    const fast = holder(budget, 150 * KIB, 30);
    const slow = holder(budget, 150 * KIB, 10);
    const middle = holder(budget, 150 * KIB, 20);
    let hasRoom = false;
    const room = budget.room().then(() => (hasRoom = true));
    expect([fast.spilled, middle.spilled, slow.spilled]).toEqual([0, 150 * KIB, 150 * KIB]);
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    slow.stored();
    await room;
    expect(budget.bytes).toBe(300 * KIB);
  });

  it('leaves crumbs alone while there is something worth a call', async () => {
    const budget = new BufferBudget(200 * KIB);
    const crumb = holder(budget, 1 * KIB, 1);
    const large = holder(budget, 220 * KIB, 2);
    const room = budget.room();
    expect([crumb.spilled, large.spilled]).toEqual([0, 220 * KIB]);
    large.stored();
    await room;
  });

  it('takes crumbs when there is nothing else', async () => {
    const budget = new BufferBudget(1 * KIB);
    const crumbs = [1, 2, 3].map((arrival) => holder(budget, KIB, arrival));
    const room = budget.room();
    for (const crumb of crumbs) crumb.stored();
    await room;
    expect(budget.bytes).toBeLessThanOrEqual(KIB);
  });
});
