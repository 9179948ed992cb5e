export { relayTusWorkers } from './relay-tus-workers.js';
export { TusWorkers } from './tus-workers.js';
