export {};
export * from './locker-contract.js';
