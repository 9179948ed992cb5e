import { WaitingLines } from './waiting-lines.js';

const microtasks = () => new Promise<void>((resolve) => process.nextTick(resolve));

describe('WaitingLines', () => {
  it('let the next one ask when everybody before has left, in the order of arrival', async () => {
    const lines = new WaitingLines();
    const arrived: number[] = [];
    const places = [1, 2, 3].map((number) => {
      const place = lines.join('upload');
      void place.isFirst.then(() => arrived.push(number));
      return place;
    });
    await microtasks();
    expect(arrived).toEqual([1]);
    lines.leave(places[1]!);
    await microtasks();
    expect(arrived).toEqual([1]);
    lines.leave(places[0]!);
    lines.leave(places[0]!);
    await microtasks();
    expect(arrived).toEqual([1, 3]);
    lines.leave(places[2]!);
    expect(lines.isEmpty('upload')).toBe(true);
  });

  it('ask the holder for everybody who comes, and a new holder for those who wait already', async () => {
    const lines = new WaitingLines();
    const asked = { first: 0, second: 0 };
    const first = lines.join('upload');
    lines.hold(first, () => (asked.first += 1));
    await microtasks();
    expect(asked.first).toBe(0);
    const second = lines.join('upload');
    lines.join('upload');
    await microtasks();
    expect(asked.first).toBe(2);
    lines.leave(first);
    lines.hold(second, () => (asked.second += 1));
    await microtasks();
    expect(asked).toEqual({ first: 2, second: 1 });
  });

  it('end a pause when the first of its line is woken, also when that was before the pause', async () => {
    const lines = new WaitingLines();
    const [first, other] = [lines.join('upload'), lines.join('other')];
    const pausing = first.pause(2 ** 31 - 1);
    lines.wake('upload');
    await pausing;
    lines.wake();
    await first.pause(2 ** 31 - 1);
    await other.pause(2 ** 31 - 1);
    const last = first.pause(2 ** 31 - 1);
    lines.leave(first);
    await last;
  });

  it('end a pause by themselves, should a message be lost', async () => {
    await new WaitingLines().join('upload').pause(1);
  });
});
