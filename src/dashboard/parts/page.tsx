import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { PageAge, Unanswered } from './page-age.tsx';
import './page.css';

/** A page: its title gets the focus when it opens, so that keyboards and screen readers begin there. */
export const Page = ({
  title,
  about = title,
  children,
}: {
  readonly title: string;
  /** The exact subject of the page, once that is read: its heading, and its name in tabs and the history of the browser. */
  readonly about?: string | undefined;
  readonly children: ComponentChildren;
}) => {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${about} · ${location.host}`;
  }, [about]);
  useEffect(() => heading.current?.focus(), [title]);
  return (
    <>
      <div class="title-line">
        <h1 tabIndex={-1} ref={heading}>
          {about}
        </h1>
        <PageAge />
      </div>
      <Unanswered />
      {children}
    </>
  );
};

/** A part of a page with a heading. */
export const Section = ({
  title,
  note,
  children,
}: {
  readonly title: string;
  readonly note?: string | undefined;
  readonly children: ComponentChildren;
}) => (
  <section>
    <h2>
      {title}
      {note === undefined ? null : <span class="note"> {note}</span>}
    </h2>
    {children}
  </section>
);
