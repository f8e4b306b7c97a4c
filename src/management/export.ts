import { type Cell, csvLine } from './csv.ts';
import { type Replied, replyPage, replyText } from './reply.ts';

/** A page of a list, in one of the formats that it is exported in. */
export type Exported<T> = {
  readonly items: readonly T[];
  readonly next?: string | undefined;
  /** What the columns of a CSV are, in their order. */
  readonly columns: readonly (keyof T & string)[];
  readonly cellOf: (item: T, name: keyof T & string) => Cell;
  /** Only the first page has a head, so that pages put together are one file. */
  readonly isFirst: boolean;
};

export const replyExport = <T>(
  request: Request,
  format: 'json' | 'ndjson' | 'csv',
  { items, next, columns, cellOf, isFirst }: Exported<T>,
): Replied => {
  switch (format) {
    case 'json':
      return replyPage(request, { items, next });
    case 'ndjson': {
      const text = items.map((item) => `${JSON.stringify(item)}\n`).join('');
      return replyText(request, 'application/x-ndjson', text, next);
    }
    case 'csv': {
      const head = isFirst ? csvLine(columns) : '';
      const lines = items.map((item) => csvLine(columns.map((name) => cellOf(item, name))));
      return replyText(request, 'text/csv; charset=utf-8', head + lines.join(''), next);
    }
  }
};
