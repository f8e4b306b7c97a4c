import * as z from 'zod/mini';
import { cursor, day } from './fields.ts';

export const BOOK_FORMATS = ['json', 'ndjson', 'csv'] as const;
/** Days of one request, at most. */
export const MAX_BOOK_DAYS = 366;

/** Days of UTC, both included. Absent: the 30 days up to today. Pages are whole days, as many as can be added up at once. */
export const booksQuery = z.strictObject({
  after: z.exactOptional(cursor),
  from: z.exactOptional(day),
  to: z.exactOptional(day),
  format: z.exactOptional(z.enum(BOOK_FORMATS, `must be one of ${BOOK_FORMATS.join(', ')}`)),
});
