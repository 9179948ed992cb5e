export { collectTusMetrics, type TusMetricsOptions, type TusMetricsSource } from './collect-tus-metrics.js';
export {
  InjectTusRegistry,
  TUS_REGISTRY,
  TusMetricsModule,
  type TusMetricsModuleOptions,
} from './tus-metrics.module.js';
