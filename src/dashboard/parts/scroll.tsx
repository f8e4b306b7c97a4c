import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import './scroll.css';

/** A box for a table or drawing that may be wider than the screen: it scrolls, and takes the focus to be scrolled by keys, only if it is. */
export const Scroll = ({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) => {
  const box = useRef<HTMLDivElement>(null);
  const [isWide, setWide] = useState(false);
  const [isAtEnd, setAtEnd] = useState(false);
  const measure = (): void => {
    const { current } = box;
    if (current === null) return;
    setWide(current.scrollWidth > current.clientWidth);
    setAtEnd(current.scrollLeft + current.clientWidth >= current.scrollWidth - 1);
  };
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    for (const child of current.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);
  return (
    <div
      ref={box}
      class="scroll"
      data-wide={isWide}
      data-end={isAtEnd}
      onScroll={measure}
      {...(isWide ? { tabIndex: 0 } : {})}
      role="region"
      aria-label={label}
    >
      {children}
    </div>
  );
};
