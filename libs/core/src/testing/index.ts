export { describeLockerContract, type LockerUnderTest } from './locker-contract.js';
export { describeStoreContract, type StoreUnderTest } from './store-contract.js';
export type { ChangeContent } from './store-contract-finished.js';
