import type { WireFault } from '../fault.ts';
import type { CallReason } from './call.ts';
import type { CommandReason } from './command.ts';
import type { DeniedReason } from './denial.ts';
import type { DocumentReason } from './document.ts';
import type { GatewayReason } from './gateway.ts';
import type { GrantReason } from './grant.ts';
import type { MismatchReason } from './mismatch.ts';
import type { ProofReason } from './proof.ts';
import type { RequestReason } from './request.ts';
import type { UpstreamReason } from './upstream.ts';

/**
 * Why the gateway answers instead of a tool. `reason` discriminates and, in kebab case, ends the `type` of the problem: these names are
 * final. Each group has a file with its reasons and their texts. Faults of x402, intents and headers are members themselves, so that
 * no mapping can lose one.
 */
export type Reason =
  | WireFault
  | MismatchReason
  | RequestReason
  | ProofReason
  | CallReason
  | DeniedReason
  | CommandReason
  | GrantReason
  | DocumentReason
  | GatewayReason
  | UpstreamReason;
