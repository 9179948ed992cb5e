export * from './config.js';
export * from './errors.js';
export * from './events/hook-event.js';
export * from './file-info.js';
export * from './lock/locker.js';
export * from './lock/memory-locker.js';
export * from './store/data-store.js';
export * from './store/memory-store.js';
export * from './store/store-composer.js';
export type { Download } from './operations/download.js';
export type { OperationName, Outcome, TusOperation } from './operations/operation.js';
export { DEFAULT_CORS_CONFIG, type ResolvedConfig } from './resolve-config.js';
export { DURATION_BOUNDS, Durations, type DurationsSnapshot } from './durations.js';
export { ErrorsTotalMap, type HookName, Metrics, type MetricsSnapshot } from './metrics.js';
export { sumMetrics } from './sum-metrics.js';
export { TusHandler, type RequestListener } from './tus-handler.js';
export { UPLOAD_LENGTH_DEFERRED } from './dialects/tus-v1.js';
export { type EventBridge, UploadEvents, type UploadEventListener } from './events/upload-events.js';
export { boundUnreadBody } from './unread-body.js';
export { Permits } from './permits.js';
export { RecentMap } from './recent-map.js';
export { isUploadId, newUploadId } from './upload-id.js';
export { decodeSegment, readTarget, type RequestTarget } from './requests/request-target.js';
export { mergeResponses } from './events/merge-responses.js';
export { readHookAnswer } from './operations/hook-answer.js';
export { logEvent } from './log-event.js';
export { parseMetadataHeader, serializeMetadataHeader } from './headers/metadata.js';
export { type Exchange, type RequestRoute } from './exchange.js';
export { copyFileInfo } from './store/copy-file-info.js';
export {
  checkOptions,
  optionsOf,
  type OptionKind,
  type OptionsPlace,
  type OptionTable,
} from './config/check-options.js';
export { checkTogether, CONFIG_OPTIONS, LONGEST_EXPIRATION } from './config/config-options.js';
export { nearName } from './config/near-name.js';
export * as optionKinds from './config/option-kinds.js';
export { hideSecrets, showValue } from './config/show-value.js';
