import { Engine } from './engine.js';
import type { HookEvent } from './events/hook-event.js';
import { UploadEvents } from './events/upload-events.js';
import { Metrics } from './metrics.js';
import { AwaitedPartials } from './operations/awaited-partials.js';
import { resolveConfig } from './resolve-config.js';
import { MemoryStore } from './store/memory-store.js';
import { StoreComposer } from './store/store-composer.js';

function outbox() {
  const store = new MemoryStore();
  const config = resolveConfig({
    storeComposer: StoreComposer.of(store),
    postFinishCallback: () => new Promise<never>(() => undefined),
  });
  return new Engine(config, store, new UploadEvents(config.logger), new Metrics(), new AwaitedPartials())
    .outbox;
}

function eventOf(id: string, header: string): HookEvent {
  const upload = {
    id,
    size: 0,
    sizeIsDeferred: false,
    offset: 0,
    metaData: {},
    isPartial: false,
    isFinal: false,
  };
  return {
    upload: { ...upload, partialUploads: [], stopUpload: () => undefined },
    httpRequest: { method: 'PATCH', uri: '/', remoteAddr: '', header: { cookie: header } },
  };
}

const insideOf = (value: object) =>
  value as unknown as {
    kept: number;
    known: Set<string>;
    waiting: { event?: HookEvent }[];
    hasMore: boolean;
  };

describe('Outbox', () => {
  it('keeps few requests while hooks do not end, and every upload', () => {
    const box = outbox();
    for (let count = 0; count < 1_000; count += 1)
      box.post(`id-${count}`, eventOf(`id-${count}`, 'x'.repeat(100_000)));
    const { kept, known, waiting } = insideOf(box);
    expect(kept).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(known.size).toBe(1_000);
    expect(waiting.filter(({ event }) => event).length).toBeLessThan(200);
  });

  it('leaves what is too much to the store, where it is found later', () => {
    const box = outbox();
    for (let count = 0; count < 20_000; count += 1) box.post(`id-${count}`, undefined);
    const { known, hasMore } = insideOf(box);
    expect([known.size, hasMore]).toEqual([10_000, true]);
  });
});
