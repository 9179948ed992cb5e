import type { LeaseMessage } from '@nestjs-tus/lease-locker';
import { readMessage, writeMessage } from './messages.js';

describe('a message', () => {
  it.each<[LeaseMessage, string]>([
    [{ kind: 'release', nonce: '0123456789abcdef' }, 'release 0123456789abcdef'],
    [{ kind: 'free', id: 'upload' }, 'free upload'],
    [{ kind: 'free', id: 'free a b\n{c} ' }, 'free free a b\n{c} '],
    [{ kind: 'echo', count: 12 }, 'echo 12'],
  ])('is written and read: %j', (message, text) => {
    expect(writeMessage(message)).toBe(text);
    expect(readMessage(text)).toEqual(message);
  });

  it.each(['', 'free', 'hello upload', 'echo', 'echo twelve', ' free upload'])(
    'of another kind is ignored: %j',
    (text) => {
      expect(readMessage(text)).toBeUndefined();
    },
  );
});
