import type { HookEvent } from '@nestjs-tus/core';
import { chainHooks } from './chain-hooks.js';

function eventOf(metaData: Record<string, string> = {}): HookEvent & { stops: unknown[] } {
  const stops: unknown[] = [];
  const upload = {
    id: 'f00',
    size: 5,
    sizeIsDeferred: false,
    offset: 0,
    metaData,
    isPartial: false,
    isFinal: false,
    partialUploads: [],
    stopUpload: (response: unknown) => void stops.push(response),
  };
  return { upload, httpRequest: { method: 'POST', uri: '/files', remoteAddr: '', header: {} }, stops };
}

describe('chainHooks', () => {
  it('joins changes and responses, the later one counts', async () => {
    const chained = chainHooks([
      () => ({ changes: { id: 'a', maxSize: 1 }, response: { statusCode: 200, header: { A: '1', B: '1' } } }),
      () => undefined,
      async () => ({ changes: { id: 'b' }, response: { header: { B: '2' }, body: 'text' } }),
    ]);
    await expect(chained(eventOf())).resolves.toEqual({
      changes: { id: 'b', maxSize: 1 },
      response: { statusCode: 200, header: { A: '1', B: '2' }, body: 'text' },
    });
  });

  it('shows each hook what those before it changed', async () => {
    const event = eventOf({ filename: 'a' });
    const seen: unknown[] = [];
    await chainHooks([
      ({ upload }) => ({ changes: { metaData: { ...upload.metaData, owner: '7' } } }),
      ({ upload }) => {
        seen.push(upload.metaData);
        upload.stopUpload({ statusCode: 400 });
      },
    ])(event);
    expect(seen).toEqual([{ filename: 'a', owner: '7' }]);
    expect(event.upload.metaData).toEqual({ filename: 'a' });
    expect(event.stops).toEqual([{ statusCode: 400 }]);
  });

  it('ends with the first refusal', async () => {
    const asked: string[] = [];
    const chained = chainHooks([
      () => void asked.push('first'),
      () => {
        throw new Error('no');
      },
      () => void asked.push('third'),
    ]);
    await expect(chained(eventOf())).rejects.toThrow('no');
    expect(asked).toEqual(['first']);
  });
});
