export * from './config.js';
export * from './errors.js';
export * from './events/hook-event.js';
export * from './file-info.js';
export * from './lock/locker.js';
export * from './store/data-store.js';
export * from './store/store-composer.js';
