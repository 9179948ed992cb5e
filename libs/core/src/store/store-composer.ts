import type { Locker } from '../lock/locker.js';
import type {
  ConcaterDataStore,
  DataStore,
  LengthDeferrerDataStore,
  ListerDataStore,
  TerminaterDataStore,
  UpdaterDataStore,
  VerifierDataStore,
} from './data-store.js';

/** Everything a composer can hold, by the name it has in `capabilities()`. */
interface Parts {
  core: DataStore;
  terminater: TerminaterDataStore;
  locker: Locker;
  concater: ConcaterDataStore;
  lengthDeferrer: LengthDeferrerDataStore;
  verifier: VerifierDataStore;
  updater: UpdaterDataStore;
  lister: ListerDataStore;
}

/**
 * Combines a store with its extensions and a locker. What is composed here decides which protocol extensions a
 * handler offers; nothing else does.
 *
 * @example
 * const composer = new StoreComposer();
 * new FileStore({ directory: './uploads' }).useIn(composer);
 * new MemoryLocker().useIn(composer);
 */
export class StoreComposer {
  private readonly parts: Partial<Parts> = {};

  /** Takes the core, and every extension whose interface `store` implements. */
  static of(store: DataStore, locker?: Locker): StoreComposer {
    const composer = new StoreComposer();
    useStoreIn(store, composer);
    if (locker) composer.useLocker(locker);
    return composer;
  }

  get core(): DataStore | undefined {
    return this.parts.core;
  }
  get terminater(): TerminaterDataStore | undefined {
    return this.parts.terminater;
  }
  get locker(): Locker | undefined {
    return this.parts.locker;
  }
  get concater(): ConcaterDataStore | undefined {
    return this.parts.concater;
  }
  get lengthDeferrer(): LengthDeferrerDataStore | undefined {
    return this.parts.lengthDeferrer;
  }
  get verifier(): VerifierDataStore | undefined {
    return this.parts.verifier;
  }
  get updater(): UpdaterDataStore | undefined {
    return this.parts.updater;
  }
  get lister(): ListerDataStore | undefined {
    return this.parts.lister;
  }

  get usesTerminater(): boolean {
    return this.parts.terminater !== undefined;
  }
  get usesLocker(): boolean {
    return this.parts.locker !== undefined;
  }
  get usesConcater(): boolean {
    return this.parts.concater !== undefined;
  }
  get usesLengthDeferrer(): boolean {
    return this.parts.lengthDeferrer !== undefined;
  }
  get usesVerifier(): boolean {
    return this.parts.verifier !== undefined;
  }
  get usesUpdater(): boolean {
    return this.parts.updater !== undefined;
  }
  get usesLister(): boolean {
    return this.parts.lister !== undefined;
  }

  /** Sets the core store; `undefined` unsets it. */
  useCore(core: DataStore | undefined): this {
    return this.use('core', core);
  }
  useTerminater(extension: TerminaterDataStore | undefined): this {
    return this.use('terminater', extension);
  }
  useLocker(locker: Locker | undefined): this {
    return this.use('locker', locker);
  }
  useConcater(extension: ConcaterDataStore | undefined): this {
    return this.use('concater', extension);
  }
  useLengthDeferrer(extension: LengthDeferrerDataStore | undefined): this {
    return this.use('lengthDeferrer', extension);
  }
  useVerifier(extension: VerifierDataStore | undefined): this {
    return this.use('verifier', extension);
  }
  useUpdater(extension: UpdaterDataStore | undefined): this {
    return this.use('updater', extension);
  }
  useLister(extension: ListerDataStore | undefined): this {
    return this.use('lister', extension);
  }

  /** The composition for people, e.g. `Core: ✓ Terminater: ✓ Locker: ✗ Concater: ✗ LengthDeferrer: ✗ Verifier: ✗ …`. */
  capabilities(): string {
    const names: [string, keyof Parts][] = [
      ['Core', 'core'],
      ['Terminater', 'terminater'],
      ['Locker', 'locker'],
      ['Concater', 'concater'],
      ['LengthDeferrer', 'lengthDeferrer'],
      ['Verifier', 'verifier'],
      ['Updater', 'updater'],
      ['Lister', 'lister'],
    ];
    return names.map(([name, part]) => `${name}: ${this.parts[part] ? '✓' : '✗'}`).join(' ');
  }

  private use<P extends keyof Parts>(part: P, value: Parts[P] | undefined): this {
    if (value === undefined || value === null) delete this.parts[part];
    else this.parts[part] = value;
    return this;
  }
}

/** Puts a store and every extension whose interface it implements into a composer: what a store's `useIn` does. */
export function useStoreIn(store: DataStore, composer: StoreComposer): void {
  composer.useCore(store);
  if (implementsMethod<TerminaterDataStore>(store, 'asTerminatableUpload')) composer.useTerminater(store);
  if (implementsMethod<ConcaterDataStore>(store, 'asConcatableUpload')) composer.useConcater(store);
  if (implementsMethod<LengthDeferrerDataStore>(store, 'asLengthDeclarableUpload'))
    composer.useLengthDeferrer(store);
  if (implementsMethod<VerifierDataStore>(store, 'asVerifiableUpload')) composer.useVerifier(store);
  if (implementsMethod<UpdaterDataStore>(store, 'asUpdatableUpload')) composer.useUpdater(store);
  if (implementsMethod<ListerDataStore>(store, 'list')) composer.useLister(store);
}

function implementsMethod<T extends object>(value: object, method: keyof T & string): value is T {
  return typeof (value as Record<string, unknown>)[method] === 'function';
}
