import * as z from 'zod/mini';
import type { ToolDocument } from '../tool.route.ts';
import { hash, pageOf } from './fields.ts';

export const toolDocument = z.custom<ToolDocument>();

/** `fault`: why it is not served, although nobody has disabled it. */
export const toolsPage = pageOf(
  z.strictObject({
    id: z.string(),
    etag: hash,
    /** From `tools.json`, or put at run time. */
    source: z.enum(['file', 'stored']),
    disabled: z.boolean(),
    fault: z.exactOptional(z.string()),
    tool: toolDocument,
  }),
);
