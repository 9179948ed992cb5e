import { MemoryLocker, MemoryStore, StoreComposer } from '@nestjs-tus/core';
import { FileLocker, FileStore } from '@nestjs-tus/file-store';
import { checkProcesses } from './check-processes.js';

const directory = './uploads';
const fileStore = new FileStore({ directory });
const fileLocker = new FileLocker({ directory });

describe('checkProcesses', () => {
  it('takes anything in the only process', () => {
    expect(() =>
      checkProcesses(StoreComposer.of(new MemoryStore(), new MemoryLocker()), false),
    ).not.toThrow();
  });

  it('takes in a worker what spans processes', () => {
    expect(() => checkProcesses(StoreComposer.of(fileStore, fileLocker), true)).not.toThrow();
  });

  it.each([
    [
      StoreComposer.of(fileStore, new MemoryLocker()),
      /MemoryLocker locks uploads for one only: write `locker: \{ useFactory/,
    ],
    [StoreComposer.of(fileStore), /no locker locks uploads for one only/],
    [
      StoreComposer.of(new MemoryStore(), fileLocker),
      /MemoryStore keeps uploads in one: write `store: \{ useFactory/,
    ],
  ])('refuses in a worker what does not, and says what to write (%#)', (composer, message) => {
    expect(() => checkProcesses(composer, true)).toThrow(message);
  });
});
