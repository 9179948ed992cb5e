export { describeLeaseMediumContract } from './medium-contract.js';
export type { MediaUnderTest } from './medium-contract-steps.js';
export { type Fault, MemoryLeases, type MemoryMedium } from './memory-medium.js';
