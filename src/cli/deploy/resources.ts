import { buckets } from './buckets.ts';
import { databases } from './database.ts';
import { queues } from './queues.ts';
import type { ResourceKind } from './resource.ts';
import { secrets } from './secrets.ts';

/** What a deployment creates before the Worker, in this order. A new kind is a file like `queues.ts` and an entry here. */
export const RESOURCES: readonly ResourceKind[] = [databases, buckets, queues, secrets];
