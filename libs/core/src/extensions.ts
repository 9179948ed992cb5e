import { joinsUnfinished } from './operations/create-final.js';
import { offersConcatenation } from './operations/create.js';
import type { Engine } from './engine.js';

/** The tus extensions that a composition and its options offer, as Tus-Extension lists them. */
export function extensionsOf(engine: Engine): string {
  const { composer, config } = engine;
  const offered: [string, boolean][] = [
    ['creation', true],
    ['creation-with-upload', true],
    ['termination', composer.usesTerminater && !config.disableTermination],
    ['concatenation', offersConcatenation(engine)],
    ['concatenation-unfinished', joinsUnfinished(engine)],
    ['creation-defer-length', composer.usesLengthDeferrer],
    ['checksum', composer.usesVerifier],
    ['checksum-trailer', composer.usesVerifier],
    ['expiration', config.expiration.after > 0 && composer.usesUpdater],
  ];
  return offered.flatMap(([name, isOffered]) => (isOffered ? [name] : [])).join(',');
}
