'use strict';
(() => {
  const svg = document.currentScript.ownerSVGElement;
  const data = JSON.parse(svg.querySelector('.data').textContent);
  const find = (selector) => svg.querySelector(selector);
  const search = find('input');
  const reset = find('button');
  const found = find('span.found');
  const details = find('.details');

  // Frames stand in the file as the tree is walked: a parent first.
  const frames = [];
  const open = [];
  for (const element of svg.querySelectorAll('.frame')) {
    const [depth, start, total, self, name] =
        element.dataset.f.split(' ').map(Number);
    const frame = {
      element, depth, start, total, self, info: data.names[name],
      rect: element.querySelector('rect'), text: element.querySelector('text'),
      children: [], parent: depth > 0 ? open[depth - 1] : null,
    };
    open[depth] = frame;
    if (frame.parent) frame.parent.children.push(frame);
    element.frame = frame;
    frames.push(frame);
  }
  const root = frames[0];
  let zoomed = root;
  let current = root;

  const text = find('.frame text');
  text.textContent = 'mmmmmmmmmm';
  const letter = (text.getComputedTextLength() || 72) / 10;

  const percent = (part, whole) => (100 * part / whole).toFixed(2) + '%';
  const isAbove = (frame, other) =>
      frame.depth < other.depth && frame.start <= other.start &&
      frame.start + frame.total >= other.start + other.total;

  function draw() {
    const width = svg.getBoundingClientRect().width || 1200;
    const end = zoomed.start + zoomed.total;
    for (const frame of frames) {
      const above = isAbove(frame, zoomed);
      const shown = above ||
          (frame.start >= zoomed.start && frame.start + frame.total <= end &&
           frame.depth >= zoomed.depth);
      frame.element.style.display = shown ? '' : 'none';
      if (!shown) continue;
      const left = above ? 0 : (frame.start - zoomed.start) / zoomed.total;
      const share = above ? 1 : frame.total / zoomed.total;
      const letters = Math.floor((share * width - 6) / letter);
      const name = frame.info[0];
      frame.element.classList.toggle('above', above);
      frame.rect.setAttribute('x', 100 * left + '%');
      frame.rect.setAttribute('width', 100 * share + '%');
      frame.text.setAttribute('x', 100 * left + '%');
      frame.text.textContent = letters < 3 ? '' :
          name.length <= letters ? name : name.slice(0, letters - 1) + '…';
    }
    reset.disabled = zoomed === root;
  }

  function describe(frame) {
    const line = document.createElementNS(details.namespaceURI, 'div');
    const bold = document.createElementNS(details.namespaceURI, 'b');
    bold.textContent = frame.info[0];
    line.append(bold, ` ${percent(frame.total, root.total)} (` +
        `${data.format(frame.total)}), of it self ` +
        `${percent(frame.self, root.total)}` +
        (zoomed === root ? '' :
            `; ${percent(frame.total, zoomed.total)} of what is shown`) +
        (frame.info[2] ? ` · ${frame.info[2].split('/').pop()}` : '') +
        (frame.element.classList.contains('inlined') ? ' · inlined' : ''));
    const full = document.createElementNS(details.namespaceURI, 'code');
    full.textContent = frame.info[1] || '';
    details.replaceChildren(line, full);
  }

  data.format = (weight) => {
    if (data.unit !== 'ns' && data.unit !== 'bytes') {
      return weight.toLocaleString('en') + ' ' + data.unit;
    }
    const steps = data.unit === 'ns' ?
        [['s', 1e9], ['ms', 1e6], ['µs', 1e3], ['ns', 1]] :
        [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10], ['B', 1]];
    const [unit, size] = steps.find((step) => weight >= step[1]) || steps[3];
    return (weight / size).toPrecision(3) + ' ' + unit;
  };

  function focus(frame) {
    current.element.removeAttribute('tabindex');
    current = frame;
    current.element.setAttribute('tabindex', '0');
    current.element.focus();
    describe(current);
  }

  function zoom(frame) {
    zoomed = frame;
    draw();
    describe(frame);
  }

  // What matches, each stack once although several of its frames may.
  function mark() {
    const wanted = search.value;
    let pattern = null;
    try {
      pattern = wanted && new RegExp(wanted, 'i');
    } catch (error) {
      pattern = {test: (name) => name.includes(wanted)};
    }
    let sum = 0;
    let covered = -1;
    for (const frame of frames) {
      const hit = Boolean(pattern) && frame !== root &&
          (pattern.test(frame.info[0]) || pattern.test(frame.info[1] || ''));
      frame.element.classList.toggle('found', hit);
      if (hit && frame.start >= covered) {
        sum += frame.total;
        covered = frame.start + frame.total;
      }
    }
    found.textContent =
        wanted ? `${percent(sum, root.total)} in matching frames` : '';
  }

  const frameOf = (event) => {
    const element = event.target.closest('.frame');
    return element && element.frame;
  };
  svg.addEventListener('mouseover', (event) => {
    const frame = frameOf(event);
    if (frame) describe(frame);
  });
  svg.addEventListener('click', (event) => {
    const frame = frameOf(event);
    if (!frame) return;
    zoom(frame);
    focus(frame);
  });
  search.addEventListener('input', mark);
  reset.addEventListener('click', () => zoom(root));

  // The next frame of the same depth, or the one before.
  const beside = (frame, step) => {
    const row = frames.filter((other) => other.depth === frame.depth &&
        other.element.style.display !== 'none');
    return row[row.indexOf(frame) + step];
  };
  document.addEventListener('keydown', (event) => {
    if (event.target === search) {
      if (event.key !== 'Escape') return;
      search.value = '';
      mark();
      focus(current);
    } else if (event.key === '/') {
      search.focus();
    } else if (event.key === 'Escape') {
      zoom(root);
    } else if (frameOf(event)) {
      const next = {
        ArrowUp: () => current.parent,
        ArrowDown: () => current.children.reduce(
            (best, child) => !best || child.total > best.total ? child : best,
            null),
        ArrowLeft: () => beside(current, -1),
        ArrowRight: () => beside(current, 1),
      }[event.key];
      if (next) {
        const frame = next();
        if (frame) focus(frame);
      } else if (event.key === 'Enter' || event.key === ' ') {
        zoom(current);
      } else {
        return;
      }
    } else {
      return;
    }
    event.preventDefault();
  });
  window.addEventListener('resize', draw);
  root.element.setAttribute('tabindex', '0');
  draw();
})();
