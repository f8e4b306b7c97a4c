/** Types of `countersign/signer`. They need no more than the module `cloudflare:workers`, as those of `countersign/worker`. */
import type { DurableObject } from 'cloudflare:workers';

/** Keys, policies and log of one owner's agents. */
export declare class Keyring extends DurableObject {}

declare const signer: {
  fetch(request: Request, env: never): Promise<Response>;
  queue(batch: never, env: never): Promise<void>;
};
export default signer;
