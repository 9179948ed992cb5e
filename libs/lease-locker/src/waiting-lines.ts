/** The requests of this process for the same id, in the order of their arrival. Only the first of a line asks the medium. */
export class WaitingLines {
  private readonly lines = new Map<string, Place[]>();

  isEmpty(id: string): boolean {
    return !this.lines.has(id);
  }

  /** Joins the line. The first, if it holds the lock, is asked to let go. */
  join(id: string): Place {
    const place = new Place(id);
    const line = this.lines.get(id);
    if (line) {
      line.push(place);
      askToRelease(line);
      return place;
    }
    this.lines.set(id, [place]);
    place.arrive();
    return place;
  }

  /** Marks the first of a line as the holder. It is asked at once when others wait behind it. */
  hold(place: Place, requestRelease: () => void): void {
    place.requestRelease = requestRelease;
    const line = this.lines.get(place.id) ?? [];
    if (line.length > 1) askToRelease(line);
  }

  /** Harmless when the place was left before. */
  leave(place: Place): void {
    place.requestRelease = undefined;
    place.wake();
    const line = this.lines.get(place.id);
    const position = line?.indexOf(place) ?? -1;
    if (!line || position === -1) return;
    line.splice(position, 1);
    const [next] = line;
    if (!next) this.lines.delete(place.id);
    else if (position === 0) next.arrive();
  }

  /** Ends the pause of the first in the line for `id`, or of the first of every line: it asks the medium again. */
  wake(id?: string): void {
    const lines = id === undefined ? this.lines.values() : [this.lines.get(id) ?? []];
    for (const [first] of lines) first?.wake();
  }
}

/** In a microtask: a holder that lets go at once must not do so inside the call of the one that asks. */
function askToRelease([first]: readonly Place[]): void {
  queueMicrotask(() => first?.requestRelease?.());
}

/** A place in the line for one id. */
export class Place {
  /** Resolves when all places before this one have been left. */
  readonly isFirst: Promise<void>;
  /** Set while this is the holder: how it is asked to let go. */
  requestRelease?: () => void;
  arrive: () => void = () => undefined;
  private wasWoken = false;
  private endPause?: () => void;

  constructor(readonly id: string) {
    this.isFirst = new Promise((resolve) => {
      this.arrive = resolve;
    });
  }

  /** Waits for `wake`, at most `milliseconds`. Does not wait when there was a `wake` since the last pause. */
  async pause(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    if (!this.wasWoken) {
      await new Promise<void>((resolve) => {
        this.endPause = resolve;
        timer = setTimeout(resolve, milliseconds);
      });
    }
    clearTimeout(timer);
    this.endPause = undefined;
    this.wasWoken = false;
  }

  wake(): void {
    this.wasWoken = true;
    this.endPause?.();
  }
}
