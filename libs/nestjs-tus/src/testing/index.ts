export { createTusTestingModule, type TusTestingMetadata } from './create-tus-testing-module.js';
export { collectEvents, EventCollector } from './event-collector.js';
export { RecordingHooks, type RecordedCall } from './recording-hooks.js';
export { TusTestClient, type TestUploadOptions } from './tus-test-client.js';
