import * as z from 'zod/mini';
import { entryType, page, seq } from './fields.ts';

export const ENTRY_FORMATS = ['json', 'ndjson'] as const;

export const entriesQuery = z.strictObject({
  ...page,
  type: z.exactOptional(entryType),
  format: z.exactOptional(z.enum(ENTRY_FORMATS, `must be one of ${ENTRY_FORMATS.join(', ')}`)),
});

/** The sequence number after which the feed begins; the header `Last-Event-ID` comes before it. Absent: what happens from now on. */
export const eventsQuery = z.strictObject({ after: z.exactOptional(seq) });
