export { TusEventName, type TusEvent } from './events/tus-event.js';
export { TusEvents } from './events/tus-events.js';
export { TusHook, type TusHookOptions, type TusHooks } from './hooks/tus-hooks.js';
export { CurrentTusOperation, getTusOperation } from './http/tus-operation.js';
export { CurrentTusUpload, getTusUpload, getTusUploads } from './http/tus-upload.js';
export { TusController } from './http/tus.controller.js';
export { type ProviderRecipe } from './options/provider-recipe.js';
export {
  type TusAsyncOptions,
  type TusGraphOptions,
  type TusModuleOptions,
  type TusOptionsFactory,
} from './options/tus-module-options.js';
export { TusModule } from './tus.module.js';
export { TusService } from './tus.service.js';
export {
  getTusComposerToken,
  getTusEventsToken,
  getTusHandlerToken,
  getTusLockerToken,
  getTusMetricsToken,
  getTusServiceToken,
  getTusStoreToken,
  InjectTusComposer,
  InjectTusEvents,
  InjectTusHandler,
  InjectTusLocker,
  InjectTusMetrics,
  InjectTusService,
  InjectTusStore,
  TUS_COMPOSER,
  TUS_LOCKER,
  TUS_STORE,
} from './tus.tokens.js';

// The contracts that an app implements or is handed, so that it needs no second import for them.
export {
  errors,
  hasCode,
  HttpError,
  isHttpError,
  MemoryLocker,
  MemoryStore,
  Metrics,
  StoreComposer,
  TusHandler,
  type ByteRange,
  type ConcatableUpload,
  type ConcaterDataStore,
  type CorsConfig,
  type DataStore,
  type ErrorDescriptor,
  type ExpirationConfig,
  type FileInfo,
  type FileInfoChanges,
  type FileInfoUpdate,
  type HookCallback,
  type HookEvent,
  type HookResponse,
  type HookResult,
  type HTTPRequest,
  type JsonValue,
  type LengthDeclarableUpload,
  type LengthDeferrerDataStore,
  type ListerDataStore,
  type ListFilter,
  type ListPage,
  type Lock,
  type Locker,
  type RequestRelease,
  type MetaData,
  type MetricsSnapshot,
  type Outcome,
  type PostFinishConfig,
  type ServedContent,
  type StoreContext,
  type TerminatableUpload,
  type TerminaterDataStore,
  type TusLogger,
  type TusOperation,
  type UpdatableUpload,
  type UpdaterDataStore,
  type Upload,
  type UploadInEvent,
  type UploadState,
  type VerifiableUpload,
  type VerifierDataStore,
} from '@nestjs-tus/core';
