import { describeStoreContract } from '../testing/index.js';
import { MemoryStore } from './memory-store.js';

describeStoreContract('MemoryStore', async () => ({ store: new MemoryStore() }));
