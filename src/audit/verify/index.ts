/**
 * `countersign/verify`: verifies exported audit logs in Node, browsers and Workers (docs/audit-log.md). No network but the nodes that
 * `rpc` names, and no files but those that the caller opens.
 */
export type { ListedAccount } from './chain.ts';
export type { CheckId, Fault, Finding, Place, Verdict } from './check.ts';
export type { LogFile } from './lines.ts';
export type { LogEvidence, NamedText, YearLog } from './log-evidence.ts';
export { exitCodeOf, type Report } from './report.ts';
export { type Export, type Progress, verify, type VerifyOptions } from './verify.ts';
