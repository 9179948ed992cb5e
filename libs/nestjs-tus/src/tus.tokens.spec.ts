import {
  getTusComposerToken,
  getTusEventsToken,
  getTusHandlerToken,
  getTusLockerToken,
  getTusServiceToken,
  getTusStoreToken,
  TUS_COMPOSER,
  TUS_LOCKER,
  TUS_STORE,
} from './tus.tokens.js';

describe('tokens', () => {
  it('are those of the unnamed endpoint where no name is given', () => {
    expect([TUS_STORE, TUS_LOCKER, TUS_COMPOSER]).toEqual([
      getTusStoreToken(),
      getTusLockerToken(),
      getTusComposerToken(),
    ]);
  });

  it('differ by part and by name', () => {
    const parts = [
      getTusStoreToken,
      getTusLockerToken,
      getTusComposerToken,
      getTusHandlerToken,
      getTusEventsToken,
      getTusServiceToken,
    ];
    const tokens = parts.flatMap((part) => [part(), part('avatars'), part('videos')]);
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});
