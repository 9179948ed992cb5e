import { RecentMap } from './recent-map.js';

describe('RecentMap', () => {
  it('remembers what was set last', () => {
    const map = new RecentMap<number>(10);
    for (let n = 0; n < 1_000; n++) map.set(`key-${n}`, n);
    const last = Array.from({ length: 10 }, (_, index) => 990 + index);
    expect(last.map((n) => map.get(`key-${n}`))).toEqual(last);
  });

  it('holds at most twice as many entries', () => {
    const map = new RecentMap<number>(10);
    let most = 0;
    for (let n = 0; n < 1_000; n++) {
      map.set(`key-${n}`, n);
      most = Math.max(most, map.size);
    }
    expect(most).toBeLessThan(20);
    expect(map.get('key-0')).toBeUndefined();
  });

  it('holds fewer entries that weigh more', () => {
    const map = new RecentMap<number>(10);
    map.set('light', 0);
    for (let n = 0; n < 4; n++) map.set(`heavy-${n}`, n, 5);
    expect(map.get('light')).toBeUndefined();
    expect([2, 3].map((n) => map.get(`heavy-${n}`))).toEqual([2, 3]);
    expect(map.size).toBeLessThanOrEqual(4);
  });

  it('weighs no entry that is deleted or replaced', () => {
    const map = new RecentMap<number>(10);
    map.set('kept', 0);
    for (let n = 0; n < 100; n++) {
      map.set('replaced', n, 5);
      map.set('deleted', n, 2);
      map.delete('deleted');
    }
    expect(map.get('kept')).toBe(0);
    expect(map.size).toBe(2);
  });

  it.each([0, 5, 10, 15])(
    'gives the later of two values of a key, with %i other keys between them',
    (others) => {
      const map = new RecentMap<string>(10);
      map.set('key', 'first');
      for (let n = 0; n < others; n++) map.set(`other-${n}`, '');
      map.set('key', 'second');
      expect(map.get('key')).toBe('second');
    },
  );

  it.each([0, 15])('forgets what is deleted, with %i other keys set since', (others) => {
    const map = new RecentMap<string>(10);
    map.set('key', 'value');
    map.set('key', 'again');
    for (let n = 0; n < others; n++) map.set(`other-${n}`, '');
    map.delete('key');
    expect(map.get('key')).toBeUndefined();
  });
});
