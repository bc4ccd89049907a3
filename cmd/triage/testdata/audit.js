// Gives what keeps people from using the page, a sentence each: names, contrast (WCAG 2.2, 1.4.3 and 1.4.11), size of what is pressed (2.5.8), what is cut off.
(() => {
	const out = [];
	const seen = (n) => n.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && n.getBoundingClientRect().width > 1;
	const called = (n) => (n.tagName + (n.id ? "#" + n.id : "") + " " + (n.textContent || "").trim().slice(0, 40)).trim();
	const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
	const light = ([r, g, b]) => {
		const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * x + 0.7152 * y + 0.0722 * z;
	};
	const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
	const ground = (n) => {
		for (; n; n = n.parentElement) {
			const c = rgb(getComputedStyle(n).backgroundColor);
			if (c.length === 3 || c[3] > 0.99) return c;
		}
		return [255, 255, 255];
	};
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const n = walker.currentNode.parentElement;
		if (!walker.currentNode.textContent.trim() || !seen(n) || n.closest(":disabled, option, script")) continue;
		const style = getComputedStyle(n);
		const ink = rgb(n instanceof SVGElement ? style.fill : style.color);
		const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700;
		const got = ratio(ink, ground(n));
		if (got < (large ? 3 : 4.5)) out.push(`contrast ${got.toFixed(2)}: ${called(n)}`);
		if (parseFloat(style.fontSize) < 11) out.push(`small text: ${called(n)}`);
	}
	for (const n of document.querySelectorAll("button, input, select, [role=img], [role=region], meter")) {
		if (!seen(n)) continue;
		const by = n.labels?.length ? [...n.labels].map((l) => l.textContent).join("") : "";
		const name = n.getAttribute("aria-label") || document.getElementById(n.getAttribute("aria-labelledby"))?.textContent || by || (n.tagName === "BUTTON" ? n.textContent : "");
		if (!name.trim()) out.push(`no name: ${called(n)}`);
		const r = n.getBoundingClientRect();
		if (/BUTTON|INPUT|SELECT/.test(n.tagName) && (r.height < 24 || r.width < 24)) out.push(`too small to be pressed, ${r.width} × ${r.height}: ${called(n)}`);
	}
	const ids = [...document.querySelectorAll("[id]")].map((n) => n.id);
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) out.push(`the id ${id} is given twice`);
	let level = 0;
	for (const h of document.querySelectorAll("h1, h2, h3")) {
		if (!seen(h)) continue;
		const l = Number(h.tagName[1]);
		if (l > level + 1) out.push(`heading ${called(h)} after one of level ${level}`);
		level = l;
	}
	if (document.querySelectorAll("h1").length !== 1 || !document.documentElement.lang) out.push("want one h1, and a language");
	if (document.documentElement.scrollWidth > innerWidth) out.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
	for (const n of document.querySelectorAll("main *, header *")) {
		if (!seen(n) || n.closest(".scroll, svg")) continue;
		const r = n.getBoundingClientRect();
		if (r.right > innerWidth + 1 || r.left < -1) out.push(`stands out of the window: ${called(n)}`);
	}
	return [...new Set(out)].slice(0, 20);
})()
