import type { ComponentChildren } from 'preact';
import { Scroll } from './scroll.tsx';
import './table.css';

/**
 * `drop`: on narrow screens columns with a higher number leave first; 0 stays. `isName`: a text that people chose, cut off where it would push
 * other columns from the screen.
 */
export type Column<Row> = {
  readonly head: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly isNumber?: boolean;
  readonly isName?: boolean;
  readonly drop?: 0 | 1 | 2;
};

/** A dense table with a sticky head. Numbers are right-aligned with their heads. */
export const Table = <Row,>({
  caption,
  columns,
  rows,
  keyOf,
}: {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}) => {
  const classOf = ({ isNumber, isName, drop }: Column<Row>): string =>
    [
      ...(isNumber === true ? ['number'] : []),
      ...(isName === true ? ['name'] : []),
      ...(drop === undefined ? [] : [`drop${drop}`]),
    ].join(' ');
  return (
    <Scroll label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.head} scope="col" class={classOf(column)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.head} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
};
