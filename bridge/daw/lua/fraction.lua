-- Exact numbers for the protocol: fractions {numerator, denominator} in lowest terms, the fraction that a float stands
-- for, and fractions as texts ("7/3").

local fraction = {}

local TOO_LARGE = 2.0 ^ 62 -- beyond this, whole numbers of 64 bits are no longer safe to add

local function reduced(numerator, denominator)
	local a, b = math.abs(numerator), denominator
	while b ~= 0 do
		a, b = b, a % b
	end
	a = math.max(a, 1)
	return numerator // a, denominator // a
end

--- A fraction as the protocol writes it.
function fraction.text(numerator, denominator)
	local above, below = reduced(numerator, denominator)
	return below == 1 and string.format("%d", above) or string.format("%d/%d", above, below)
end

--- A fraction of two whole numbers.
function fraction.of(numerator, denominator)
	return { reduced(numerator, denominator or 1) }
end

--- The float next to a fraction.
function fraction.float(a)
	return a[1] / a[2]
end

--- a + b; nil where the numbers become too large.
function fraction.plus(a, b)
	if math.abs(1.0 * a[1] * b[2]) + math.abs(1.0 * b[1] * a[2]) > TOO_LARGE or 1.0 * a[2] * b[2] > TOO_LARGE then
		return nil
	end
	return fraction.of(a[1] * b[2] + b[1] * a[2], a[2] * b[2])
end

--- a - b; nil where the numbers become too large.
function fraction.minus(a, b)
	return fraction.plus(a, { -b[1], b[2] })
end

--- a times b; nil where the numbers become too large.
function fraction.times(a, b)
	if math.abs(1.0 * a[1] * b[1]) > TOO_LARGE or 1.0 * a[2] * b[2] > TOO_LARGE then
		return nil
	end
	return fraction.of(a[1] * b[1], a[2] * b[2])
end

--- A fraction within `tolerance` of a number whose denominator is small. A float that was meant as 93.7 or 400/3 is that
--- number again. (Continued fractions: the convergents of a number are its best approximations, Khinchin 1964,
--- theorem 16.)
function fraction.near(value, tolerance)
	local before, top = 0, 1
	local below, bottom = 1, 0
	local rest = value
	for _ = 1, 64 do
		local whole = math.floor(rest)
		before, top = top, whole * top + before
		below, bottom = bottom, whole * bottom + below
		if math.abs(value - top / bottom) <= tolerance or rest == whole or bottom > 1e9 then
			break
		end
		rest = 1 / (rest - whole)
	end
	return { math.floor(top), math.floor(bottom) }
end

return fraction
