export * from './locker/file-locker.js';
