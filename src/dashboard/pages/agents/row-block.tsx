import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { PAGE_ROWS } from '../../data/reading/list.ts';
import './row-block.css';

/** The distance from the screen within which rows are rendered: more than a person scrolls during a render. */
const NEAR = '800px';

/** Cuts rows into blocks of a page each. */
export const blocksOf = <Row,>(rows: readonly Row[]): readonly (readonly Row[])[] =>
  Array.from({ length: Math.ceil(rows.length / PAGE_ROWS) }, (_, at) =>
    rows.slice(at * PAGE_ROWS, (at + 1) * PAGE_ROWS),
  );

/**
 * Rows of a long table, drawn only while they are near the screen: with ten thousand rows the browser would lay out all of them whenever
 * one changes. Rows that are not rendered keep their height.
 */
export const RowBlock = ({
  columns,
  children,
}: {
  readonly columns: number;
  readonly children: ComponentChildren;
}) => {
  const element = useRef<HTMLTableSectionElement>(null);
  const [height, setHeight] = useState<number | undefined>(undefined);
  useEffect(() => {
    const watched = element.current;
    if (watched === null) return undefined;
    const observer = new IntersectionObserver(
      (seen) => {
        const last = seen.at(-1);
        if (last === undefined) return;
        // Keep the row that has the focus.
        const isDrawn = last.isIntersecting || watched.contains(document.activeElement);
        setHeight(isDrawn ? undefined : last.boundingClientRect.height);
      },
      { rootMargin: NEAR },
    );
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return (
    <tbody ref={element}>
      {height === undefined ? (
        children
      ) : (
        <tr class="undrawn" style={{ height }} aria-hidden="true">
          <td colSpan={columns} />
        </tr>
      )}
    </tbody>
  );
};
