import { RestartBudget } from './restart-budget.js';

describe('RestartBudget', () => {
  it('makes good for a few deaths, and not for a loop of them', () => {
    const budget = new RestartBudget(2, 1_000);
    expect([0, 10, 20].map((now) => budget.spend(now))).toEqual([true, true, false]);
  });

  it('forgets what is long ago', () => {
    const budget = new RestartBudget(2, 1_000);
    expect([0, 10, 1_005, 1_011, 5_000].map((now) => budget.spend(now))).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
  });
});
